// A connection to Redis on Deno, by ioredis.
import type { RedisConnection, RedisHandler, RedisOptions } from "../platform.ts";
import { nodeTlsOptions } from "./node-connect.ts";

type IoRedis = import("ioredis").Redis;

/** Opens a connection. Commands are pipelined; nothing is queued while there is none, and nothing is tried again. */
export function denoRedis(options: RedisOptions, handler: RedisHandler): RedisConnection {
  let client: IoRedis | undefined;
  let over = false;
  let reason = "the connection closed";
  const closed = (): void => {
    if (over) return;
    over = true;
    handler.closed(reason);
  };
  const opened = async (): Promise<void> => {
    client = await clientOf(options);
    if (over) return client.disconnect();
    client.on("error", (error: Error) => (reason = error.message));
    client.on("end", closed);
    await client.connect();
    if (!over) handler.connected();
  };
  opened().catch((error: unknown) => {
    if (error instanceof Error && reason === "the connection closed") reason = error.message;
    closed();
  });
  return {
    send: (command, args) => client!.call(command, ...args),
    close() {
      over = true;
      client?.disconnect();
    },
  };
}

/** Loaded with the first connection: few configs need it. */
async function clientOf({ host, port, tls, user, password, database }: RedisOptions): Promise<IoRedis> {
  const { Redis } = await import("ioredis");
  return new Redis({
    host,
    port,
    db: database,
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: nodeTlsOptions(tls) }),
  });
}
