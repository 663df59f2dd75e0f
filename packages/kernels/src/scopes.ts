import { Tensor } from "./tensor.js";

/** Which tensors to free when a scope ends. One per device; scopes nest. */
export class Scopes {
  readonly #stack: Set<Tensor>[] = [];
  #live = 0;

  /** Tensors not yet disposed on this device. */
  get live(): number {
    return this.#live;
  }

  register(tensor: Tensor): void {
    this.#live++;
    this.#stack.at(-1)?.add(tensor);
  }

  unregister(tensor: Tensor): void {
    this.#live--;
    this.release(tensor);
  }

  /** Takes a tensor out of every scope: it lives until it is disposed. */
  release(tensor: Tensor): void {
    for (let i = this.#stack.length - 1; i >= 0; i--) if (this.#stack[i]!.delete(tensor)) return;
  }

  /** Runs `body` and frees every tensor made inside, except those in its result, which pass to the scope outside. */
  run<R>(body: () => R): R {
    const frame = new Set<Tensor>();
    this.#stack.push(frame);
    const end = (result: unknown): void => {
      this.#stack.splice(this.#stack.indexOf(frame), 1);
      const kept = new Set<Tensor>();
      collect(result, kept, new Set());
      for (const tensor of frame)
        if (kept.has(tensor)) this.#stack.at(-1)?.add(tensor);
        else tensor.dispose();
    };
    let result: R;
    try {
      result = body();
    } catch (error) {
      end(undefined);
      throw error;
    }
    if (result instanceof Promise)
      return result.then(
        (value) => (end(value), value),
        (error) => {
          end(undefined);
          throw error;
        },
      ) as R;
    end(result);
    return result;
  }
}

/** The tensors that a result holds: itself, or in arrays, maps and objects of any depth. */
function collect(value: unknown, into: Set<Tensor>, seen: Set<object>): void {
  if (value instanceof Tensor) into.add(value);
  else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value) && !seen.has(value)) {
    seen.add(value);
    for (const inner of value instanceof Map ? value.values() : Object.values(value)) collect(inner, into, seen);
  }
}
