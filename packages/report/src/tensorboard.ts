export { densityEvent, eventsStart, eventsThat, parametersEvent, scalarEvent, textEvent, type At } from "./tensorboard/events.js";
