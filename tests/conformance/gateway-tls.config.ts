// The same config behind TLS.
import { env } from "sluice";
import plain from "./gateway.config.ts";

export default {
  ...plain,
  listen: { ...plain.listen, tls: { certificates: { cert: env("CERT"), key: env("CERT_KEY") } } },
};
