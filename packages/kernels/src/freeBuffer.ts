const { port1: nowhere, port2 } = new MessageChannel();
port2.close();

/**
 * Frees a buffer's memory at once, by handing it over to nobody: what waits to be collected as garbage counts as used. Its views are
 * empty then. (In the event loop's turn that loads this module the port is still about to close, and memory is free after it.)
 */
export const freeBuffer = (buffer: ArrayBuffer): void => nowhere.postMessage(null, [buffer]);
