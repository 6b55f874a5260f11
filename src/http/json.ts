// JSON (RFC 8259), as a question of a text.

/** Whether the text is JSON, whole. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
