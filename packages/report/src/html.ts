export { runPage, type RunReport, type TrainerReport } from "./html/runPage.js";
export { type MetricsLine } from "./html/thin.js";
export { featuresOfFile } from "./html/featuresData.js";
export { featuresFile, FeaturesIndex, featuresPage, vocabularyFile } from "./html/featuresSite.js";
