import { type AutoEncoderWeights } from "./dictionaries/autoEncoder.js";
import { DictionaryError } from "./error.js";
import { Columns, scaleRows, transposed } from "./matrix.js";

/**
 * The same dictionary with decoder columns of norm 1: each column is divided by its norm, its encoder row and bias are
 * multiplied by it. As dictionary_learning's `normalize_decoder`: left as it is where all norms are close to 1.
 * An encoder of rows is changed in place; what lies by columns is not, its norms are handed on.
 * @throws DictionaryError FORMAT `ae.pt: expected decoder columns of non-zero norm, got column 17 = 0`
 */
export function unitDecoder(weights: AutoEncoderWeights, subject: string): AutoEncoderWeights {
  const { encoderBias, decoder } = weights;
  const [D, F] = [weights.decoderBias.length, encoderBias.length];
  const columns = decoder instanceof Columns ? decoder.data : transposed(decoder, F, D);
  const norms = columnNorms(columns, D, F);
  const zero = norms.indexOf(0);
  if (zero >= 0)
    throw new DictionaryError(
      "FORMAT",
      `${subject}: expected decoder columns of non-zero norm, got column ${zero} = 0`,
      "such a feature cannot be normalised; open it with normalizeDecoder: false",
    );
  if (norms.every((norm) => Math.abs(norm - 1) <= 1e-8 + 1e-5)) return weights; // torch.allclose

  const { encoder } = weights;
  if (!(encoder instanceof Columns)) scaleRows(encoder, norms);
  for (let f = 0; f < F; f++) encoderBias[f] *= norms[f];
  return { ...weights, encoder: encoder instanceof Columns ? new Columns(D, F, encoder.data, undefined, norms) : encoder, decoder: new Columns(D, F, columns, norms) };
}

/** Four rows a pass, each sum going down its column. @param matrix f32[D,F] @returns f32[F] */
function columnNorms(matrix: Float32Array, D: number, F: number): Float32Array {
  const squares = new Float64Array(F);
  const whole = D - (D % 4);
  for (let d = 0; d < whole; d += 4)
    for (let f = 0, at = d * F; f < F; f++, at++)
      squares[f] = squares[f] + matrix[at] * matrix[at] + matrix[at + F] * matrix[at + F] + matrix[at + 2 * F] * matrix[at + 2 * F] + matrix[at + 3 * F] * matrix[at + 3 * F];
  for (let at = whole * F; at < D * F; at++) squares[at % F] += matrix[at] * matrix[at];
  return Float32Array.from(squares, Math.sqrt);
}
