// The thread of `openTorchInThread`: opens the file it is given, and answers on the port that comes with each question.
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { openTorch } from "@dictlearn/checkpoint";
import { fileSource } from "@dictlearn/checkpoint/node";

const opened = fileSource(workerData as string).then(openTorch);
opened.catch(() => {}); // whoever asks is told

parentPort!.on("message", async ({ name, port }: { name?: string; port: MessagePort }) => {
  try {
    const file = await opened;
    if (name === undefined) {
      const shapes = await Promise.all(file.names.map(async (name) => (await file.info(name)).shape));
      port.postMessage({ answer: { values: file.values, shapes: new Map(file.names.map((name, i) => [name, shapes[i]])) } });
    } else {
      const tensor = await file.read(name);
      port.postMessage({ answer: tensor }, [tensor.data.buffer as ArrayBuffer]);
    }
  } catch (error) {
    const { message, code, remedy, stack } = error as Error & { code?: string; remedy?: string };
    port.postMessage({ error: { message, code, remedy, stack } });
  }
  port.close();
});
