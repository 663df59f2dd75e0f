import { withoutHub } from "dictlearn";

export const withoutNetwork = withoutHub("--model-name demo --dataset-name demo needs no network");
