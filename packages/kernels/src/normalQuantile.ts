/**
 * The x that a standard normal number stays below with probability p, to 16 digits, by operations that IEEE 754 fixes to
 * the last bit (Math.log may differ between engines).
 * @param p in (0, 1), and not below 2^-1000
 * @see Wichura 1988, "Algorithm AS 241: the percentage points of the normal distribution" (its constants, rounded to f64)
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(centre, r)) / polynomial(centreBelow, r);
  }
  const r = Math.sqrt(-ln(q < 0 ? p : 1 - p));
  const x = r <= 5 ? polynomial(tail, r - 1.6) / polynomial(tailBelow, r - 1.6) : polynomial(far, r - 5) / polynomial(farBelow, r - 5);
  return q < 0 ? -x : x;
}

/** Natural logarithm of 0 < x < 1: x = m·2^e with m around 1, and ln m = 2·artanh s by its series, |s| < 0.172. */
function ln(x: number): number {
  let e = 0;
  for (; x < Math.SQRT1_2; x *= 2) e--;
  const s = (x - 1) / (x + 1);
  const square = s * s;
  let sum = 0;
  for (let n = 21; n >= 1; n -= 2) sum = sum * square + 1 / n;
  return e * Math.LN2 + 2 * s * sum;
}

/** Coefficients from the highest power down. */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = 0; i < coefficients.length; i++) sum = sum * x + coefficients[i];
  return sum;
}

const centre = [2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513, 133.14166789178438, 3.3871328727963665];
const centreBelow = [5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579, 42.31333070160091, 1];
const tail = [0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045, 5.769497221460691, 4.630337846156546, 1.4234371107496835];
const tailBelow = [1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851, 1.6763848301838038, 2.053191626637759, 1];
const far = [2.0103343992922881e-7, 0.000027115555687434876, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103];
const farBelow = [2.0442631033899397e-15, 1.421511758316446e-7, 0.000018463183175100548, 0.0007868691311456133, 0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1];
