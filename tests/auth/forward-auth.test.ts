// Forward-auth through the whole gateway: what the service is asked, what its answers bring about.
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, inWorldOf } from "../support/fake-world.ts";
import { asking, options, say, serve, sso } from "./forward-auth-world.ts";

describe("the question", () => {
  test("is a GET without content, that says what the gateway knows of the request", () => {
    inWorld(options(), (world) => {
      const fields = ["Content-Type: text/plain", "Content-Length: 4", "Cookie: session=1", "Accept: text/html"];
      const client = asking(world, fields, "/a/./b?q=%20", "POST", "body");
      const { request } = sso(world).last;
      expect(request).toMatchObject({ method: "GET", target: "/api/authz?a=b", body: "", framing: "none" });
      const said = Object.fromEntries(request.fields.map(([name, value]) => [name.toLowerCase(), value]));
      expect(said).toEqual({
        host: "sso.test",
        cookie: "session=1",
        accept: "text/html",
        "x-forwarded-method": "POST",
        "x-forwarded-uri": "/a/b?q=%20",
        "x-forwarded-proto": "http",
        "x-forwarded-host": "gw.test",
        "x-forwarded-for": expect.any(String) as string,
        "x-real-ip": said["x-forwarded-for"]!,
        "x-request-id": expect.any(String) as string,
        via: expect.any(String) as string,
      });
      say(world, 202);
      expect(world.a.last.request).toMatchObject({ method: "POST", target: "/a/b?q=%20", body: "body" });
      serve(world);
      expect(client.answer.body).toBe("served");
    });
  });

  const FORGED = [
    ...["X-Forwarded-Method: GET", "X-Forwarded-Uri: /public", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil"],
    ...["X-Forwarded-For: 10.0.0.1", "X-Real-IP: 10.0.0.1", "X_Forwarded_Uri: /public", "X.Forwarded.Method: GET"],
    ...["Forwarded: for=10.0.0.1", "X-Original-Url: /public"],
  ];
  const LATER = ["X-Original-Url: /public"];

  test("holds nothing that the client says of itself", () => {
    inWorld(options(), (world) => {
      asking(world, FORGED, "/admin", "DELETE");
      const { fields } = sso(world).last.request;
      const values = fields.map(([name, value]) => `${name}: ${value}`);
      for (const line of FORGED) if (!LATER.includes(line)) expect(values).not.toContain(line);
      expect(fieldOf(sso(world).last.request, "x-forwarded-uri")).toBe("/admin");
      expect(fieldOf(sso(world).last.request, "x-forwarded-method")).toBe("DELETE");
      say(world, 403);
    });
  });

  test("takes address, scheme and host from a trusted proxy, and never method and path", () => {
    inWorld(options({}, { listen: { trustedProxies: ["0.0.0.0/0"] } }), (world) => {
      asking(world, FORGED, "/admin", "DELETE");
      const { request } = sso(world).last;
      expect(fieldOf(request, "x-forwarded-for")).toStartWith("10.0.0.1, ");
      expect(fieldOf(request, "x-forwarded-proto")).toBe("https");
      expect(fieldOf(request, "x-forwarded-host")).toBe("evil");
      expect(fieldOf(request, "x-forwarded-uri")).toBe("/admin");
      expect(fieldOf(request, "x-forwarded-method")).toBe("DELETE");
      expect(fieldOf(request, "x-real-ip")).toBe("10.0.0.1");
      say(world, 403);
    });
  });

  test("shows the fields that the config names, and no others of the client's", () => {
    inWorld(options({ requestHeaders: ["Cookie"] }), (world) => {
      asking(world, ["Cookie: c", "Authorization: Bearer t", "Accept: */*", "Connection: close, accept"]);
      const names = sso(world).last.request.fields.map(([name]) => name.toLowerCase());
      expect(names).toContain("cookie");
      expect(names).not.toContain("authorization");
      expect(names).not.toContain("accept");
      expect(names).not.toContain("connection");
      say(world, 403);
    });
  });

  test("leaves out what would make the service answer another question, or switch protocols", () => {
    inWorld(options(), (world) => {
      const websocket = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: k",
        "Sec-WebSocket-Version: 13",
      ];
      asking(world, [...websocket, 'If-None-Match: "x"', "Range: bytes=0-1", "Origin: https://app.test"]);
      const names = sso(world).last.request.fields.map(([name]) => name.toLowerCase());
      for (const name of ["connection", "upgrade", "sec-websocket-key", "if-none-match", "range"])
        expect(names).not.toContain(name);
      expect(names).toContain("origin");
      expect(fieldOf(sso(world).last.request, "x-forwarded-uri")).toBe("/x");
      say(world, 200);
      const { request } = world.a.last;
      expect(fieldOf(request, "upgrade")).toBe("websocket");
      expect(fieldOf(request, "sec-websocket-key")).toBe("k");
      expect(fieldOf(request, "if-none-match")).toBe('"x"');
      serve(world);
    });
  });

  test("is asked over kept connections, and taken back when the client leaves", () => {
    inWorld(options(), (world) => {
      for (let round = 0; round < 3; round++) {
        world.ask("GET", "/x");
        say(world, 202, [], "Authenticated");
        serve(world);
      }
      expect(sso(world).connections).toHaveLength(1);
      const client = world.ask("GET", "/x");
      client.reset();
      world.settle();
      expect(sso(world).last.over).toBe(true);
      expect(world.a.requests).toHaveLength(3);
      expect(world.records.at(-1)).toMatchObject({ "error.type": "client_disconnect" });
    });
  });

  test("comes back as a loop when the service is the gateway itself", () => {
    inWorld(options(), (world) => {
      // What the gateway wrote into Via itself: its name, and the beginning of the first id that the platform gave out.
      const client = asking(world, ["Via: 1.1 sluice-00000001"]);
      expect(client.statuses).toEqual([503]);
      expect(sso(world).requests).toEqual([]);
    });
  });
});

describe("a service that lets pass", () => {
  test("names the caller, and its fields take the place of the client's", () => {
    inWorld(options(), (world) => {
      asking(world, ["Remote-User: root", "X-Groups: admins", "Remote-Groups: admins"]);
      say(world, 200, ["Remote-User: john", "Remote-Groups: dev,ops", "Remote-Email: j@x.test", "Set-Cookie: s=1"]);
      const { request } = world.a.last;
      expect(fieldOf(request, "remote-user")).toBe("john");
      expect(fieldOf(request, "x-groups")).toBe("dev,ops");
      expect(fieldOf(request, "remote-email")).toBeUndefined();
      expect(fieldOf(request, "x-consumer")).toBe("acme");
      expect(fieldOf(request, "set-cookie")).toBeUndefined();
      serve(world);
      expect(world.record).toMatchObject({ "sluice.auth.scheme": "sso", "sluice.consumer": "acme" });
    });
  });

  test("shows the caller to the user's own code", async () => {
    await inWorldOf(options(), async (world) => {
      const client = world.ask("GET", "/seen");
      say(world, 200, ["remote-user: jane", "Remote-Groups: dev"]);
      await world.rest();
      expect(JSON.parse(client.answer.body)).toEqual({
        scheme: "sso",
        subject: "jane",
        scopes: [],
        claims: {},
        fields: [
          ["Remote-User", "jane"],
          ["X-Groups", "dev"],
        ],
      });
    });
  });

  test("adds the cookies that the config names to the answer, in place of the upstream's", () => {
    inWorld(options({ cookies: ["session"] }), (world) => {
      const client = asking(world);
      say(world, 200, ["Set-Cookie: session=new; Path=/", "Set-Cookie: other=1", "Set-Cookie: sessions=2"]);
      world.a.last.answer(200, "", ["Set-Cookie: session=old", "Set-Cookie: mine=1"]);
      world.settle();
      const cookies = client.answer.fields.filter(([name]) => name.toLowerCase() === "set-cookie");
      expect(cookies.map(([, value]) => value)).toEqual(["mine=1", "session=new; Path=/"]);
    });
  });

  test("gives Authorization in place of the caller's, which it sees itself", () => {
    inWorld(options({ copy: ["Authorization"] }), (world) => {
      asking(world, ["Authorization: Basic old"]);
      expect(fieldOf(sso(world).last.request, "authorization")).toBe("Basic old");
      say(world, 202, ["Authorization: Bearer new"]);
      expect(fieldOf(world.a.last.request, "authorization")).toBe("Bearer new");
      serve(world);
      // On a route that asks nobody, Authorization is the caller's own matter.
      world.ask("GET", "/open", ["Authorization: Basic old"]);
      expect(fieldOf(world.a.last.request, "authorization")).toBe("Basic old");
      serve(world);
    });
  });

  test("and says nothing of the caller gives the upstream nothing", () => {
    inWorld(options(), (world) => {
      asking(world, ["Remote-User: root", "X-Groups: admins"]);
      say(world, 204);
      expect(fieldOf(world.a.last.request, "remote-user")).toBeUndefined();
      expect(fieldOf(world.a.last.request, "x-groups")).toBeUndefined();
      expect(fieldOf(world.a.last.request, "x-consumer")).toBeUndefined();
      serve(world);
    });
  });
});

test("whatever spelling of a copied field a client sends, on whatever route, the upstream gets none of it", () => {
  const separator = fc.constantFrom("-", "_", ".");
  const cased = (word: string): fc.Arbitrary<string> =>
    fc
      .array(fc.boolean(), { minLength: word.length, maxLength: word.length })
      .map((upper) => [...word].map((c, i) => (upper[i] ? c.toUpperCase() : c.toLowerCase())).join(""));
  const name = fc
    .tuple(fc.constantFrom("remote user", "x groups", "x consumer"), separator, fc.nat())
    .chain(([words, by]) => cased(words.replaceAll(" ", by)));
  const extra = fc.constantFrom("", "Connection: remote-user", "Connection: x-groups, close");
  const path = fc.constantFrom("/x", "/open", "/both", "/seen/..", "//x");
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 6 }), extra, path, (names, connection, target) => {
      inWorld(options(), (world) => {
        sso(world).answerAll(() => answerText("", ["Remote-User: john"], 200));
        world.a.answerAll(() => answerText("ok"));
        const lines = names.map((each) => `${each}: forged`);
        const client = world.ask("GET", target, [...lines, ...(connection === "" ? [] : [connection])]);
        expect(client.statuses).toEqual([200]);
        expect(JSON.stringify(world.a.requests)).not.toContain("forged");
        expect(JSON.stringify(sso(world).requests)).not.toContain("forged");
        if (target !== "/open") expect(fieldOf(world.a.last.request, "remote-user")).toBe("john");
      });
    }),
    { numRuns: 60 },
  );
});

describe("a service that refuses", () => {
  const REFUSALS = [
    ["a redirect", 302, ["Location: https://id.test/?rd=x", "Set-Cookie: a=1", "Set-Cookie: b=2"], "<a>Found</a>"],
    ["another redirect", 303, ["Location: /oauth2/start?rd=%2Fx"], ""],
    ["401 with its challenge", 401, ['WWW-Authenticate: Basic realm="Authelia"'], "Unauthorized"],
    ["403", 403, ["Content-Type: text/html"], "<h1>no</h1>"],
    ["not found", 404, [], "404 page not found"],
    ["a failure of its own", 500, [], "oops"],
    ["503", 503, ["Retry-After: 9"], ""],
    ["304", 304, [], ""],
  ] as const;
  test.each(REFUSALS)("with %s is heard as it is, and the upstream hears nothing", (_, status, fields, content) => {
    inWorld(options(), (world) => {
      const client = asking(world);
      say(world, status, fields, status === 304 ? "" : content);
      const { answer } = client;
      expect(answer).toMatchObject({ status, reason: "Fake", body: content });
      for (const line of fields) {
        const [name, value] = line.split(": ");
        expect(answer.fields.filter(([each]) => each === name).map(([, each]) => each)).toContain(value!);
      }
      if (status === 401) expect(fieldOf(answer, "www-authenticate")).toBe('Basic realm="Authelia"');
      expect(world.a.requests).toEqual([]);
      expect(fieldOf(answer, "x-request-id")).toBeDefined();
    });
  });

  test("loses the fields of its connection", () => {
    inWorld(options(), (world) => {
      const client = asking(world);
      say(world, 401, ["Connection: x-hop", "X-Hop: 1", "Keep-Alive: timeout=9", "Proxy-Authenticate: Basic"], "no");
      for (const name of ["x-hop", "keep-alive", "proxy-authenticate", "connection"])
        expect(fieldOf(client.answer, name)).toBeUndefined();
    });
  });

  test("gives HEAD no content", () => {
    inWorld(options(), (world) => {
      const client = asking(world, [], "/x", "HEAD");
      expect(fieldOf(sso(world).last.request, "x-forwarded-method")).toBe("HEAD");
      say(world, 401, [], "Unauthorized");
      expect(client.answer).toMatchObject({ status: 401, body: "" });
      expect(fieldOf(client.answer, "content-length")).toBe("12");
      expect(client.received).not.toContain("Unauthorized");
    });
  });

  test("refuses a WebSocket before it is one", () => {
    inWorld(options(), (world) => {
      const client = asking(world, ["Connection: Upgrade", "Upgrade: websocket"]);
      say(world, 302, ["Location: /login"]);
      expect(client.answer.status).toBe(302);
    });
  });

  test("is not heard when another scheme of the route knows the caller", () => {
    inWorld(options(), (world) => {
      world.ask("GET", "/both", ["X-API-Key: key"]);
      sso(world).last.send("HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
      world.settle();
      expect(fieldOf(world.a.last.request, "x-consumer")).toBe("acme");
      expect(sso(world).last.over).toBe(true);
      serve(world);
    });
  });

  test("is heard when the other scheme does not know the caller either", () => {
    inWorld(options(), (world) => {
      const client = asking(world, ["X-API-Key: nobody"], "/both");
      say(world, 302, ["Location: /login"]);
      expect(client.answer.status).toBe(302);
    });
  });

  test("refuses nobody while it is only watched", () => {
    inWorld(options({ mode: "observe" }), (world) => {
      asking(world);
      sso(world).last.send("HTTP/1.1 302 F\r\nLocation: /l\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
      world.settle();
      expect(sso(world).last.over).toBe(true);
      serve(world);
      expect(world.record).toMatchObject({
        "sluice.observed": [{ policy: "auth", detail: "the authenticating service answered 302" }],
      });
    });
  });

  test("may say much: its content is passed on as it comes", () => {
    inWorld(options(), (world) => {
      const client = asking(world);
      const piece = "x".repeat(100_000);
      sso(world).last.send(`HTTP/1.1 403 No\r\nContent-Length: ${100 * piece.length}\r\n\r\n`);
      for (let i = 0; i < 100; i++) {
        sso(world).last.send(piece);
        world.settle();
      }
      expect(client.answer.body).toHaveLength(10_000_000);
    });
  });
});

test("a preflight is answered before the service is asked where the route has cors, and else is asked about", () => {
  const gateway = options();
  const all = { ...gateway.routes["all"]!, cors: { origins: ["https://app.test"] } };
  const preflight = ["Origin: https://app.test", "Access-Control-Request-Method: PUT"];
  inWorld({ ...gateway, routes: { all } }, (world) => {
    expect(world.ask("OPTIONS", "/x", preflight).statuses).toEqual([204]);
    expect(sso(world).requests).toEqual([]);
  });
  inWorld(gateway, (world) => {
    const client = world.ask("OPTIONS", "/x", preflight);
    expect(fieldOf(sso(world).last.request, "x-forwarded-method")).toBe("OPTIONS");
    say(world, 401);
    expect(client.statuses).toEqual([401]);
  });
});
