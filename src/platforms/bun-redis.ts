// A connection to Redis on Bun, by the client that Bun has.
import { RedisClient } from "bun";
import { messageOf } from "../errors.ts";
import type { RedisConnection, RedisHandler, RedisOptions } from "../platform.ts";
import { tlsOptions } from "./bun-tls.ts";

/** Opens a connection. Commands are pipelined; nothing is queued while there is none, and nothing is tried again. */
export function bunRedis(options: RedisOptions, handler: RedisHandler): RedisConnection {
  const { tls } = options;
  const client = new RedisClient(urlOf(options), {
    autoReconnect: false,
    enableOfflineQueue: false,
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
  });
  let over = false;
  const closed = (error: unknown): void => {
    if (over) return;
    over = true;
    handler.closed(messageOf(error));
  };
  // eslint-disable-next-line unicorn/prefer-add-event-listener -- it is no EventTarget
  client.onclose = closed;
  client.connect().then(() => {
    if (!over) handler.connected();
  }, closed);
  return {
    send: (command, args) => client.send(command, args as string[]),
    close() {
      over = true;
      client.close();
    },
  };
}

function urlOf({ host, port, tls, user, password, database }: RedisOptions): string {
  const scheme = tls === undefined ? "redis" : "rediss";
  const who = password === undefined ? "" : `${encodeURIComponent(user ?? "default")}:${encodeURIComponent(password)}@`;
  const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return `${scheme}://${who}${place}${database === 0 ? "" : `/${database}`}`;
}
