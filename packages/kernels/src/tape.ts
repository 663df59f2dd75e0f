import type { Device } from "./device.js";
import { KernelError, ShapeError } from "./error.js";
import { add } from "./ops/elementwise.js";
import { repeat } from "./ops/repeat.js";
import { shift } from "./ops/unary.js";
import { describe, Tensor, type Storage } from "./tensor.js";

type Tensors = Readonly<Record<string, Tensor>>;

/** What the tape asks of an op, its names erased (`Differentiable` in defineOp.ts). */
export interface Recorded {
  name: string;
  vjp?(at: { inputs: Tensors; outputs: Tensors; cotangents: Tensors; params: never; needs: Readonly<Record<string, boolean>> }): Readonly<Record<string, Tensor | false | undefined>>;
  saves?: readonly string[];
  writes?: readonly string[];
}

/** A tensor that depends on a parameter, and the slope of the loss in it as far as it is known. */
interface Slot {
  cotangent?: Tensor;
}
interface Step {
  op: Recorded;
  params: object;
  inputs: Tensors;
  outputs: Tensors;
  /** The inputs and outputs that depend on a parameter. */
  from: readonly (readonly [name: string, slot: Slot])[];
  to: readonly (readonly [name: string, slot: Slot])[];
  /** The tape's own handles on what `vjp` reads. */
  held: readonly Tensor[];
}

/**
 * The ops that lead from parameters to a loss, in order, with what their gradients need. It owns what it holds: the
 * body may free its tensors as it likes.
 */
export class Tape {
  readonly #slots = new Map<Tensor, Slot>();
  readonly #steps: Step[] = [];
  /** Memory that a gradient will read, or that is a parameter's. */
  readonly #fixed = new Set<Storage>();

  constructor(
    private readonly device: Device,
    private readonly parameters: Tensors,
  ) {
    for (const tensor of Object.values(parameters)) {
      this.#slots.set(tensor, {});
      this.#fixed.add(tensor.storage);
    }
  }

  /** @throws KernelError USAGE when an op would change in place what gradients depend on, or write where they cannot follow */
  assertWritable(op: Recorded, inputs: Tensors): void {
    if (!op.writes?.length) return;
    for (const [name, tensor] of Object.entries(inputs))
      if (this.#slots.has(tensor) || (op.writes.includes(name) && this.#fixed.has(tensor.storage)))
        throw new KernelError("USAGE", `${op.name}: expected ${name} apart from what gradients are taken of, got ${describe(tensor)} inside valueAndGradients`, "change tensors in place after valueAndGradients, or pass stopGradient of a tensor that is only read");
  }

  /** Notes an op that has run. One whose inputs depend on no parameter costs nothing more. */
  record(op: Recorded, inputs: Tensors, outputs: Tensors, params: object): void {
    const slots = (tensors: Tensors) => Object.entries(tensors).flatMap(([name, tensor]) => (this.#slots.has(tensor) ? [[name, this.#slots.get(tensor)!] as const] : []));
    const from = slots(inputs);
    if (from.length === 0) return;
    for (const tensor of Object.values(outputs)) if (tensor.dtype === "f32") this.#slots.set(tensor, {});
    const to = slots(outputs);
    if (to.length === 0) return;
    const held: Tensor[] = [];
    const hold = (tensors: Tensors): Tensors => {
      if (!op.vjp) return tensors;
      return Object.fromEntries(
        Object.entries(tensors).map(([name, tensor]) => {
          if (op.saves && !op.saves.includes(name)) return [name, tensor];
          this.#fixed.add(tensor.storage);
          held.push(this.device.keep(sharing(tensor)));
          return [name, held.at(-1)!];
        }),
      );
    };
    this.#steps.push({ op, params, inputs: hold(inputs), outputs: hold(outputs), from, to, held });
  }

  /**
   * The slope of `loss` in each parameter, zeros where it does not depend on one. Uses the tape up.
   * A tensor used several times adds up its slopes from the last use to the first.
   */
  gradients(loss: Tensor): Record<string, Tensor> {
    const seed = this.#slots.get(loss);
    if (seed) seed.cotangent = this.device.keep(shift(this.device.zeros(loss.shape), 1));
    for (let step; (step = this.#steps.at(-1)); this.#steps.pop()) {
      if (step.to.some(([, slot]) => slot.cotangent)) this.#back(step);
      release(step);
    }
    return Object.fromEntries(
      Object.entries(this.parameters).map(([name, tensor]) => {
        const slot = this.#slots.get(tensor)!;
        using known = slot.cotangent;
        slot.cotangent = undefined;
        if (!known) return [name, this.device.zeros(tensor.shape)];
        // memory of its own: the caller may change a gradient in place
        return [name, known.storage.references > 1 ? repeat(known, known.shape) : sharing(known)];
      }),
    );
  }

  #back({ op, params, inputs, outputs, from, to }: Step): void {
    if (!op.vjp) throw new KernelError("UNSUPPORTED", `${op.name}: expected a vjp for the gradient of ${from[0]![0]}, got none in its definition`, "declare `vjp` in the op, or pass stopGradient of that input");
    this.device.scope(() => {
      const cotangents = Object.fromEntries(to.map(([name, slot]) => [name, slot.cotangent ?? this.device.zeros(outputs[name]!.shape)]));
      const needs = Object.fromEntries(Object.keys(inputs).map((name) => [name, from.some(([needed]) => needed === name)]));
      const slopes = op.vjp!({ inputs, outputs, cotangents, params: params as never, needs });
      for (const [name, slot] of from) {
        const slope = slopes[name];
        if (!slope) throw new KernelError("UNSUPPORTED", `${op.name}: expected its vjp to give the gradient of ${name}, got none`, "pass stopGradient of that input");
        if (describe(slope) !== describe(inputs[name]!)) throw new ShapeError(`${op.name}: expected its vjp to give ${name} as ${describe(inputs[name]!)}, got ${describe(slope)}`);
        const before = slot.cotangent;
        slot.cotangent = this.device.keep(before ? add(before, slope) : sharing(slope));
        before?.dispose();
      }
    });
  }

  /** Frees what the tape still holds. */
  dispose(): void {
    this.#steps.forEach(release);
    this.#slots.forEach((slot) => slot.cotangent?.dispose());
  }
}

function release({ held, to }: Step): void {
  for (const tensor of held) tensor.dispose();
  for (const [, slot] of to) {
    slot.cotangent?.dispose();
    slot.cotangent = undefined;
  }
}

/** Another handle on the same memory, that depends on nothing. */
export const sharing = ({ device, dtype, shape, storage }: Tensor): Tensor => new Tensor(device, dtype, shape, storage);
