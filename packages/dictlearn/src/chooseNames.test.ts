import { HubError, type Hub } from "@dictlearn/hub";
import { expect, test } from "vitest";
import { chooseNames, usual } from "./chooseNames.js";

/** A hub that has a model's files and nothing else, by what it is told of others. */
const hub = (others?: HubError): Hub => {
  const file = async (ref: { type?: string }) => {
    if (ref.type === "dataset" && others) throw others;
    return "/a/file";
  };
  return { file, zipEntry: () => file({ type: "dataset" }) } as never;
};
const { model, texts, dictionary } = usual;
const nothing = { model: undefined, texts: undefined, dictionary: undefined };

test("nothing named: the usual, where the Hub has it", async () => {
  expect(await chooseNames(nothing, { hub: hub(), offline: false })).toEqual({ names: { model: model.name, texts: texts.name, dictionary: dictionary.name } });
});

test("nothing named, and one of them out of reach: the demo for all, and why", async () => {
  const choice = await chooseNames(nothing, { hub: hub(new HubError("NETWORK", "nobody answers")), offline: false });
  expect(choice).toEqual({ names: { model: "demo", texts: "demo", dictionary: "demo" }, unreachable: "nobody answers" });
});

test("what the Hub refuses is for whoever opens it to tell, unless the network is turned off", async () => {
  const refusal = new HubError("NOT_FOUND", "gone");
  expect((await chooseNames({ texts: undefined }, { hub: hub(refusal), offline: false })).names).toEqual({ texts: texts.name });
  expect(await chooseNames({ texts: undefined }, { hub: hub(refusal), offline: true })).toEqual({ names: { texts: "demo" }, unreachable: "gone" });
});

test.each([
  [{ model: "owner/model" }, { model: "owner/model", texts: texts.name, dictionary: dictionary.name }],
  [{ model: "demo" }, { model: "demo", texts: "demo", dictionary: "demo" }],
  [{ dictionary: "demo", texts: "mine.jsonl" }, { model: "demo", texts: "mine.jsonl", dictionary: "demo" }],
])("what is named is never replaced, and nobody is asked: %j", async (named, expected) => {
  expect(await chooseNames({ ...nothing, ...named }, { hub: {} as Hub, offline: true })).toEqual({ names: expected });
});
