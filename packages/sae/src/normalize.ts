import { type AutoEncoderWeights } from "./dictionaries/autoEncoder.js";
import { DictionaryError } from "./error.js";
import { Columns, scaleRows, transposed, Unread } from "./matrix.js";

/**
 * The same dictionary with decoder columns of norm 1: each column is divided by its norm, its encoder row and bias are
 * multiplied by it. As dictionary_learning's `normalize_decoder`: left as it is where all norms are close to 1.
 * An encoder of rows is changed in place; what lies by columns is not, its norms are handed on.
 * @throws DictionaryError FORMAT `ae.pt: expected decoder columns of non-zero norm, got column 17 = 0`
 */
export function unitDecoder(weights: AutoEncoderWeights, subject: string): AutoEncoderWeights {
  const { encoderBias, decoder } = weights;
  const [D, F] = [weights.decoderBias.length, encoderBias.length];
  const columns = decoder instanceof Unread ? undefined : decoder instanceof Columns ? decoder.data : transposed(decoder, F, D);
  const norms = columns ? normsOf(addSquares(new Float64Array(F), columns)) : (decoder as Unread).norms!;
  const zero = norms.indexOf(0);
  if (zero >= 0)
    throw new DictionaryError(
      "FORMAT",
      `${subject}: expected decoder columns of non-zero norm, got column ${zero} = 0`,
      "such a feature cannot be normalised; open it with normalizeDecoder: false",
    );
  if (norms.every((norm) => Math.abs(norm - 1) <= 1e-8 + 1e-5)) return weights; // torch.allclose

  const { encoder } = weights;
  if (encoder instanceof Float32Array) scaleRows(encoder, norms);
  scaleRows(encoderBias, norms);
  return { ...weights, encoder: encoder instanceof Columns ? new Columns(D, F, encoder.data, undefined, norms) : encoder, decoder: columns ? new Columns(D, F, columns, norms) : decoder };
}

/** Four rows a pass, each sum going down its column. @param squares f64[F], added to @param matrix f32[N,F], all rows or those that follow */
export function addSquares(squares: Float64Array, matrix: Float32Array): Float64Array {
  const F = squares.length;
  const whole = matrix.length - (matrix.length % (4 * F));
  for (let row = 0; row < whole; row += 4 * F)
    for (let f = 0, at = row; f < F; f++, at++)
      squares[f] = squares[f] + matrix[at] * matrix[at] + matrix[at + F] * matrix[at + F] + matrix[at + 2 * F] * matrix[at + 2 * F] + matrix[at + 3 * F] * matrix[at + 3 * F];
  for (let at = whole; at < matrix.length; at++) squares[at % F] += matrix[at] * matrix[at];
  return squares;
}

/** @returns f32[F] */
export const normsOf = (squares: Float64Array): Float32Array => Float32Array.from(squares, Math.sqrt);
