/** What every API key begins with; nothing else that is shown as a bearer token does. */
export const API_KEY_PREFIX = 'mm_'

/** `mm_`, the id without its dashes, in the groups of a UUID, and the secret. */
export const API_KEY_FORM =
  /^mm_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/
