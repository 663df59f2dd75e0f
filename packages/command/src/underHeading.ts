import type { z } from "zod";

/** Flags that stand together in the help, under a heading: spread it into the object of all flags. */
export function underHeading<S extends z.ZodRawShape>(heading: string, shape: S): S {
  return Object.fromEntries(Object.entries(shape).map(([key, schema]) => [key, (schema as z.ZodType).meta({ heading })])) as z.ZodRawShape as S;
}
