// The same config, where the plain port speaks HTTP/2 too.
import plain from "./gateway.config.ts";

export default { ...plain, listen: { ...plain.listen, http2: { h2c: true } } };
