// What a password and its hash may be, wherever they come from.

/** The forms of password hashes that a config may hold. */
export type PasswordForm = "argon2id" | "bcrypt";

/** Most bytes (UTF-8) of a password. */
const LONGEST_PASSWORD = 512;
/** bcrypt looks at no more. */
const LONGEST_FOR_BCRYPT = 72;

const ARGON2ID = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$/;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** The form of a hash, or what is wrong with it in a sentence without its full stop. Bounds are OWASP's, and of cost. */
export function readHash(hash: string): { form: PasswordForm } | string {
  const bcrypt = BCRYPT.exec(hash);
  if (bcrypt !== null) {
    const cost = Number(bcrypt[1]);
    if (cost < 10) return "Its cost is less than 10: it is found too fast by whoever has the hash";
    return cost > 15 ? "Its cost is more than 15: each check takes seconds" : { form: "bcrypt" };
  }
  const argon2 = ARGON2ID.exec(hash);
  if (argon2 === null) return "Hashes are $argon2id$v=19$… and $2b$…";
  const [memory, passes, lanes] = argon2.slice(1).map(Number) as [number, number, number];
  if (memory < 7168 || passes < 1 || lanes < 1)
    return "It takes less than 7 MiB: it is found too fast by whoever has the hash";
  if (memory > 262_144 || passes > 16 || lanes > 16)
    return "It takes more than 256 MiB or 16 passes: a check takes too long";
  return { form: "argon2id" };
}

/** What is wrong with a password, in a sentence without its full stop. */
export function passwordProblem(password: string, form: PasswordForm): string | undefined {
  const bytes = new TextEncoder().encode(password).length;
  if (password === "") return "An empty password is none";
  // RFC 7617 section 2.
  if (/[\0-\x1f\x7f-\x9f]/.test(password)) return "A password holds no control characters";
  if (bytes > LONGEST_PASSWORD) return `A password has ${LONGEST_PASSWORD} bytes at most`;
  if (form === "bcrypt" && bytes > LONGEST_FOR_BCRYPT) return `bcrypt takes ${LONGEST_FOR_BCRYPT} bytes at most`;
  return undefined;
}
