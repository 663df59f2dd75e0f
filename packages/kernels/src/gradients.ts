import { KernelError, ShapeError } from "./error.js";
import { sharing, Tape } from "./tape.js";
import { assertAlive, describe, Tensor } from "./tensor.js";

/**
 * Runs `body` and takes the gradient of the loss that it returns in each parameter.
 * `const { value: { loss, l0 }, gradients } = valueAndGradients(parameters, (p) => ({ loss: ..., l0: ... }))`
 * Ops are ordinary calls: those on a way from a parameter are recorded, the others cost nothing. All that is made inside is
 * freed, except what is returned.
 * @param parameters f32 of any shape, by name
 * @param body returns the loss, f32[1], or an object with the `loss` and whatever else is wanted; not async
 * @returns `value`: what the body returned; `gradients`: by name, of the parameters' shapes, each in memory of its own;
 *   zeros where the loss does not depend on a parameter
 * @throws KernelError USAGE inside another one, and when an op changes a tensor in place that gradients depend on;
 *   KernelError UNSUPPORTED `attention: expected a vjp for the gradient of q, got none in its definition`;
 *   ShapeError `valueAndGradients: expected loss f32[1], got f32[32]`
 */
export function valueAndGradients<P extends Readonly<Record<string, Tensor>>, R extends Tensor | { readonly loss: Tensor }>(parameters: P, body: (p: P) => R): { value: R; gradients: { [K in keyof P]: Tensor } } {
  const named = Object.entries<Tensor>(parameters);
  for (const [name, tensor] of named) {
    assertAlive(tensor, "valueAndGradients");
    if (tensor.dtype !== "f32") throw new ShapeError(`valueAndGradients: expected ${name} f32[${tensor.shape.join(",")}], got ${describe(tensor)}`);
  }
  if (new Set(named.map(([, tensor]) => tensor)).size < named.length || named.length === 0) throw new KernelError("USAGE", `valueAndGradients: expected parameters, each a tensor of its own, got ${named.map(([name]) => name).join(", ") || "none"}`);
  const { device } = named[0]![1];
  for (const [name, tensor] of named) if (tensor.device !== device) throw new KernelError("USAGE", `valueAndGradients: expected ${name} on the device of ${named[0]![0]} (${device.label}), got ${describe(tensor)} on ${tensor.device.label}`);
  if (device.tape) throw new KernelError("USAGE", "valueAndGradients: expected one at a time on a device, got one inside another");

  return device.scope(() => {
    const tape = new Tape(device, parameters);
    try {
      device.tape = tape;
      // the body's tensors go, but those that a gradient will need: these the tape holds itself
      const value = device.scope(() => {
        const made = body(parameters);
        if (!(made instanceof Promise)) return made;
        made.catch(() => {}); // this error is the one to hear of
        throw new KernelError("USAGE", "valueAndGradients: expected a body that returns its loss, got a promise", "await before, or read what the body returned afterwards");
      });
      device.tape = undefined;
      const loss = value instanceof Tensor ? value : value.loss;
      if (!(loss instanceof Tensor) || loss.dtype !== "f32" || loss.size !== 1) throw new ShapeError(`valueAndGradients: expected loss f32[1], got ${loss instanceof Tensor ? describe(loss) : typeof loss}`, "add it up with sum or mean");
      return { value, gradients: tape.gradients(loss) as { [K in keyof P]: Tensor } };
    } finally {
      device.tape = undefined;
      tape.dispose();
    }
  });
}

/** The same elements, as a constant: no gradient flows back through it. Shares the memory of x. */
export function stopGradient(x: Tensor): Tensor {
  assertAlive(x, "stopGradient");
  return sharing(x);
}
