// Claims are shared by all requests with the same token: nobody's code may change them.

/** Freezes a value and all that plain objects and lists in it hold. Returns the value. */
export function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  // What a schema made of classes, such as dates, is the user's own.
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return value;
  Object.freeze(value);
  for (const held of Object.values(value)) frozen(held);
  return value;
}
