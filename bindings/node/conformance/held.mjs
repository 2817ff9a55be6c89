// What waits to be released, in one table for the whole program.

const held = new Map();

/** Waits under the key; `cluster` is told that it does. */
export function hold(key, cluster) {
  return new Promise((resolve) => {
    held.set(key, [...(held.get(key) ?? []), resolve]);
    cluster.broadcast(`holding ${key}`);
  });
}

/** Lets all that is held under the key go on; how many that is. */
export function release(key) {
  const waiting = held.get(key) ?? [];
  held.delete(key);
  for (const resolve of waiting) resolve();
  return waiting.length;
}
