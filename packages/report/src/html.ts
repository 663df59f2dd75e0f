export { comparisonPage } from "./html/comparisonPage.js";
export { runPage, type RunReport, type TrainerReport } from "./html/runPage.js";
export { type MetricsLine } from "./html/thin.js";
export { sentencesPage } from "./html/sentencesPage.js";
export { featuresOfFile } from "./html/featuresData.js";
export { featuresFile, FeaturesIndex, featuresPage, vocabularyFile } from "./html/featuresSite.js";
