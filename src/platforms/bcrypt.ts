// bcrypt in JavaScript, for runtimes that bring no hashes of passwords: Deno and Cloudflare's.
import { compare } from "bcryptjs";

/** Whether a password has this hash. It works in turns of 100 ms at most and lets others go on between them. */
export function bcryptVerify(password: string, hash: string): Promise<boolean> {
  if (!/^\$2[aby]\$/.test(hash)) return Promise.reject(new Error("this runtime checks bcrypt only"));
  return compare(password, hash);
}
