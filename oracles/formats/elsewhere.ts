// What is written for other libraries to open: folders by name, of dictionaries under oracles/.
const trained = ["standard", "april", "gated", "pAnneal", "gatedAnneal", "topK", "batchTopK", "matryoshka", "jumpRelu"];
const again = ["gated_layer_norm", "jumprelu_v5", "jumprelu_layer_norm", "standard_v5", "standard_constant_norm", "standard_hook_z", "standard_v2_minimal", "topk_v5", "topk_rescaled", "batchtopk_trained_full", "matryoshka_trained_full"];

export const cases: Readonly<Record<string, { source: string; to: string }>> = Object.fromEntries([
  ...trained.map((name) => [`saelens/${name}`, { source: `trained/${name}`, to: "saelens" }]),
  ["saelens/AutoEncoderNew", { source: "formats/dl/AutoEncoderNew", to: "saelens" }],
  ...again.map((name) => [`saelens/${name}`, { source: `formats/saelens/${name}`, to: "saelens" }]),
  ["saelens/sparsify_topk", { source: "formats/sparsify/topk", to: "saelens" }],
  ["sparsify/topK", { source: "trained/topK", to: "sparsify" }],
  ["sparsify/saelens_topk", { source: "formats/saelens/topk", to: "sparsify" }],
  ["sparsify/saelens_topk_trained_full", { source: "formats/saelens/topk_trained_full", to: "sparsify" }],
  ["sparsify/groupmax", { source: "formats/sparsify/groupmax", to: "sparsify" }],
  ["dictionary-learning/saelens_jumprelu_trained", { source: "formats/saelens/jumprelu_trained", to: "dictionary-learning" }],
  ["dictionary-learning/saelens_batchtopk_trained_full", { source: "formats/saelens/batchtopk_trained_full", to: "dictionary-learning" }],
  ["dictionary-learning/saelens_matryoshka_trained_full", { source: "formats/saelens/matryoshka_trained_full", to: "dictionary-learning" }],
  ["dictionary-learning/saelens_standard_v5", { source: "formats/saelens/standard_v5", to: "dictionary-learning" }],
  ["dictionary-learning/saelens_standard", { source: "formats/saelens/standard", to: "dictionary-learning" }],
  ["dictionary-learning/saelens_gated", { source: "formats/saelens/gated", to: "dictionary-learning" }],
  ["dictionary-learning/saelens_topk", { source: "formats/saelens/topk", to: "dictionary-learning" }],
  ["dictionary-learning/sparsify_topk", { source: "formats/sparsify/topk", to: "dictionary-learning" }],
]);
