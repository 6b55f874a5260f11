// Messages between two processes: lines of JSON over a socket that each has as a descriptor. They may be of different versions.

/** One end of a channel between two processes. */
export interface Channel<To> {
  /** Sends a message behind those before it; nobody hears it where the other end is gone. */
  send(message: To): void;
  close(): void;
}

type Raw = Bun.Socket<undefined>;

/** Bun's `fd` is in its types of `connect`, though not for one socket alone. */
type Connect = (options: { readonly fd: number; readonly socket: Bun.SocketHandler<undefined> }) => Promise<Raw>;

/**
 * Takes the descriptor of a connected socket.
 * @param heard each message of the other end, in order
 * @param closed told once, when the other end is gone, or there is none
 */
export function openChannel<To>(fd: number, heard: (message: unknown) => void, closed: () => void): Channel<To> {
  const waiting: Uint8Array[] = [];
  const decoder = new TextDecoder();
  let socket: Raw | undefined;
  let rest = "";
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    waiting.length = 0;
    closed();
  };
  const flush = (): void => {
    while (socket !== undefined && waiting.length > 0) {
      const bytes = waiting[0]!;
      const sent = Math.max(0, socket.write(bytes));
      if (sent < bytes.length) {
        waiting[0] = bytes.subarray(sent);
        return;
      }
      waiting.shift();
    }
  };
  const connect = Bun.connect as unknown as Connect;
  connect({
    fd,
    socket: {
      open(raw) {
        socket = raw;
        flush();
      },
      data(_, bytes) {
        const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
        rest = lines.pop()!;
        for (const line of lines) heard(JSON.parse(line));
      },
      drain: flush,
      end: (raw) => void raw.end(),
      close: over,
    },
  }).catch(over);
  return {
    send(message) {
      if (isOver) return;
      waiting.push(Buffer.from(`${JSON.stringify(message)}\n`));
      flush();
    },
    close: () => socket?.end(),
  };
}
