// Two small services for the example config: orders on 127.0.0.1:9001 and 9002, users on 127.0.0.1:9003.

/** Ports of the orders service, one for each of its two processes-to-be, and of the users service. */
export const PORTS = { orders: [9001, 9002], users: 9003 } as const;

const ORDERS = [
  { id: "1", item: "tea", pieces: 2 },
  { id: "2", item: "cups", pieces: 6 },
];

const USERS: Record<string, { id: string; name: string }> = {
  "7": { id: "7", name: "Ada" },
  "8": { id: "8", name: "Grace" },
};

/** Starts both services. They end with the process. */
export function startDemoServices(): void {
  for (const port of PORTS.orders) serve(port, orders);
  serve(PORTS.users, users);
}

/** Each answer names the port it came from, so that the turns of the targets can be seen. */
function serve(port: number, answer: (request: Request, url: URL) => Response | Promise<Response>): void {
  Bun.serve({
    hostname: "127.0.0.1",
    port,
    async fetch(request) {
      const response = await answer(request, new URL(request.url));
      response.headers.set("x-served-by", `127.0.0.1:${port}`);
      return response;
    },
  });
}

async function orders(request: Request, url: URL): Promise<Response> {
  if (url.pathname === "/orders" && request.method === "POST") {
    return Response.json({ accepted: await request.text() }, { status: 201 });
  }
  if (url.pathname === "/orders") return Response.json(ORDERS);
  if (url.pathname === "/orders/events") return events();
  const order = ORDERS.find(({ id }) => url.pathname === `/orders/${id}`);
  return order === undefined ? notFound() : Response.json(order);
}

async function users(request: Request, url: URL): Promise<Response> {
  const id = /^\/users\/([^/]+)$/.exec(url.pathname)?.[1] ?? "";
  if (request.method === "PUT") return Response.json({ id, name: await request.text() });
  const user = USERS[id];
  return user === undefined ? notFound() : Response.json(user);
}

/** Server-sent events, one a second, five in all. */
function events(): Response {
  let count = 0;
  const body = new ReadableStream<string>({
    async pull(controller) {
      if (count > 0) await Bun.sleep(1000);
      count += 1;
      controller.enqueue(`data: order ${count}\n\n`);
      if (count === 5) controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } });
}

function notFound(): Response {
  return Response.json({ error: "not found" }, { status: 404 });
}

if (import.meta.main) {
  startDemoServices();
  console.error(`orders on 127.0.0.1:${PORTS.orders.join(" and ")}, users on 127.0.0.1:${PORTS.users}`);
}
