/**
 * A number as Python's `format(x, "g")`: 6 significant digits, no trailing zeros, halves to even, an exponent of at
 * least two digits below 1e-4 and from 1e6 on. `0.123457`, `1e-05`, `1.23457e+08`, `-0`, `nan`, `-inf`.
 * @see https://docs.python.org/3/library/string.html#format-specification-mini-language
 */
export function formatG(x: number): string {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  const [digits, exponent] = sixDigits(x).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(Number(`${digits}e${power}`));
  return `${Number(digits)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** `-1.23457e+8`. toExponential rounds halves away from zero; Python rounds them to the even digit. */
function sixDigits(x: number): string {
  // oxlint-disable-next-line oxc/number-arg-out-of-range -- 100 since ES2018
  const [digits, exponent] = x.toExponential(40).split("e"); // so many that no double but a half ends in zeros
  const even = /^-?\d\.\d{4}[02468]/.test(digits);
  const half = /^-?\d\.\d{5}50*$/.test(digits);
  return half && even ? `${digits.slice(0, digits.indexOf(".") + 6)}e${exponent}` : x.toExponential(5);
}
