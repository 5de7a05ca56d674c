// What the official Node client sees of an event store: one check after the other, each on streams of its own.
//
//     node conversation.mjs CONNECTION_STRING
//
// Prints one line per check, and ends with a failure if one of them failed.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  ANY, BACKWARDS, END, FORWARDS, KurrentDBClient, NO_STREAM, START, STREAM_EXISTS, StreamDeletedError, StreamNotFoundError,
  WrongExpectedVersionError, binaryEvent, eventTypeFilter, jsonEvent,
  persistentSubscriptionToStreamSettingsFromDefaults, streamNameFilter,
} from "@kurrent/kurrentdb-client";

const client = KurrentDBClient.connectionString(process.argv[2]);
const unused = (hint = "node") => `${hint}-${randomUUID()}`;
const event = (type = "Tested", data = { is: type }) => jsonEvent({ type, data });
const events = (count) => Array.from({ length: count }, () => event());
const within = async (what, work) => {
  let timer;
  const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error(`${what}: not within 20 s`)), 20_000); });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};
const collect = async (read) => {
  const all = [];
  for await (const one of read) all.push(one);
  return all;
};
const numbers = async (stream, options) => (await collect(client.readStream(stream, options))).map((one) => one.event.revision);
const take = async (subscription, count) => {
  const came = [];
  for await (const one of subscription) {
    came.push(one);
    if (came.length === count) break;
  }
  await subscription.unsubscribe();
  return came;
};

const checks = {
  "an append to a new stream answers with its last revision and position": async () => {
    const stream = unused();
    const written = await client.appendToStream(stream, events(3), { streamState: NO_STREAM });
    assert.equal(written.success, true);
    assert.equal(written.nextExpectedRevision, 2n);
    const last = (await collect(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1,
      filter: streamNameFilter({ prefixes: [stream] }) })))[0];
    assert.deepEqual(written.position, { commit: last.event.position.commit, prepare: last.event.position.prepare });
  },
  "events come back as they were written": async () => {
    const stream = unused();
    const id = randomUUID();
    await client.appendToStream(stream, [
      jsonEvent({ id, type: "Größe", data: { n: 1 }, metadata: { by: "x" } }),
      binaryEvent({ type: "Bytes", data: Uint8Array.from([0, 255, 7]) }),
    ]);
    const [json, bytes] = await collect(client.readStream(stream));
    assert.deepEqual([json.event.id, json.event.type, json.event.data, json.event.metadata], [id, "Größe", { n: 1 }, { by: "x" }]);
    assert.deepEqual([...bytes.event.data], [0, 255, 7]);
    assert.equal(bytes.event.isJson, false);
    assert.ok(Math.abs(Date.now() - json.event.created.getTime()) < 60_000);
  },
  "a wrong expected revision is an error that tells the true one": async () => {
    const stream = unused();
    await client.appendToStream(stream, events(2));
    const conflict = client.appendToStream(stream, event(), { streamState: 7n });
    await assert.rejects(conflict, (error) => error instanceof WrongExpectedVersionError && error.actualState === 1n);
    await assert.rejects(client.appendToStream(unused(), event(), { streamState: STREAM_EXISTS }),
      (error) => error instanceof WrongExpectedVersionError && error.actualState === NO_STREAM);
  },
  "a repeated append is answered as the first and writes nothing": async () => {
    const [stream, same] = [unused(), events(2)];
    const first = await client.appendToStream(stream, same, { streamState: NO_STREAM });
    const again = await client.appendToStream(stream, same, { streamState: NO_STREAM });
    assert.deepEqual(again.position, first.position);
    assert.deepEqual(await numbers(stream), [0n, 1n]);
  },
  "a stream reads forwards, backwards, from a revision and up to a limit": async () => {
    const stream = unused();
    await client.appendToStream(stream, events(5), { streamState: ANY });
    assert.deepEqual(await numbers(stream, { fromRevision: 1n, maxCount: 2 }), [1n, 2n]);
    assert.deepEqual(await numbers(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 2 }), [4n, 3n]);
    assert.deepEqual(await numbers(stream, { direction: FORWARDS, fromRevision: START }), [0n, 1n, 2n, 3n, 4n]);
  },
  "a missing stream is not found": async () => {
    await assert.rejects(numbers(unused()), StreamNotFoundError);
  },
  "a flood of appends in flight is answered one by one": async () => {
    const streams = Array.from({ length: 200 }, () => unused());
    const written = await Promise.all(streams.map((stream) => client.appendToStream(stream, events(2))));
    assert.ok(written.every((one) => one.nextExpectedRevision === 1n));
  },
  "a large append is split by the client and written as one": async () => {
    const stream = unused();
    const large = Array.from({ length: 60 }, () => binaryEvent({ type: "Large", data: new Uint8Array(10_000) }));
    const written = await client.appendToStream(stream, large, { streamState: NO_STREAM, batchAppendSize: 50_000 });
    assert.equal(written.nextExpectedRevision, 59n);
    assert.equal((await numbers(stream)).length, 60);
  },
  "a deleted stream is not found, can be written again, and goes on counting": async () => {
    const stream = unused();
    await client.appendToStream(stream, events(2));
    await client.deleteStream(stream, { expectedRevision: 1n });
    await assert.rejects(numbers(stream), StreamNotFoundError);
    await client.appendToStream(stream, events(1), { streamState: NO_STREAM });
    assert.deepEqual(await numbers(stream), [2n]);
  },
  "a tombstoned stream is deleted for ever": async () => {
    const stream = unused();
    await client.appendToStream(stream, events(1));
    await client.tombstoneStream(stream);
    await assert.rejects(numbers(stream), StreamDeletedError);
    await assert.rejects(client.appendToStream(stream, event()), StreamDeletedError);
  },
  "metadata is set and got, and truncates": async () => {
    const stream = unused();
    await client.appendToStream(stream, events(5));
    await client.setStreamMetadata(stream, { maxCount: 2, acl: { readRoles: ["$all"] }, colour: "green" });
    const { metadata } = await client.getStreamMetadata(stream);
    assert.deepEqual([metadata.maxCount, metadata.colour], [2, "green"]);
    assert.deepEqual(await numbers(stream), [3n, 4n]);
    await client.setStreamMetadata(stream, { truncateBefore: 4 });
    assert.deepEqual(await numbers(stream), [4n]);
  },
  "links are resolved": async () => {
    const [stream, links] = [unused(), unused("links")];
    await client.appendToStream(stream, events(2));
    await client.appendToStream(links, binaryEvent({ type: "$>", data: new TextEncoder().encode(`1@${stream}`) }));
    const [resolved] = await collect(client.readStream(links, { resolveLinkTos: true }));
    assert.deepEqual([resolved.event.streamId, resolved.event.revision, resolved.link.revision], [stream, 1n, 0n]);
  },
  "$all is filtered by prefixes and by a regular expression that looks ahead": async () => {
    const prefix = unused();
    await client.appendToStream(`${prefix}-a`, [event("Alpha"), event("Beta")]);
    await client.appendToStream(`${prefix}-b`, [event("Gamma")]);
    const types = async (filter) => (await collect(client.readAll({ filter })))
      .filter((one) => one.event.streamId.startsWith(prefix)).map((one) => one.event.type);
    assert.deepEqual(await types(streamNameFilter({ prefixes: [`${prefix}-a`] })), ["Alpha", "Beta"]);
    assert.deepEqual(await types(eventTypeFilter({ prefixes: ["Al", "Ga"] })), ["Alpha", "Gamma"]);
    assert.deepEqual(await types(eventTypeFilter({ regex: "^(?!(\\$|Alpha))" })), ["Beta", "Gamma"]);
  },
  "a stream subscription catches up and goes on live": async () => {
    const stream = unused();
    await client.appendToStream(stream, events(2));
    const subscription = client.subscribeToStream(stream, { fromRevision: START });
    const caughtUp = new Promise((done) => subscription.once("caughtUp", done));
    const came = take(subscription, 4);
    await within("caught up", caughtUp);
    await client.appendToStream(stream, events(2));
    assert.deepEqual((await within("four events", came)).map((one) => one.event.revision), [0n, 1n, 2n, 3n]);
  },
  "a filtered subscription to $all gets its events and checkpoints": async () => {
    const prefix = unused();
    await client.appendToStream(prefix, events(2));
    await client.appendToStream(unused("other"), events(5));
    let reached;
    const checkpoint = new Promise((done) => { reached = done; });
    const filter = streamNameFilter({ prefixes: [prefix], checkpointInterval: 1, checkpointReached: () => { reached(); } });
    const subscription = client.subscribeToAll({ fromPosition: START, filter });
    const came = [];
    subscription.on("data", (one) => came.push(one.event.revision));
    await within("a checkpoint", checkpoint);
    await within("two events", (async () => { while (came.length < 2) await new Promise((next) => { setImmediate(next); }); })());
    assert.deepEqual(came, [0n, 1n]);
    await subscription.unsubscribe();
  },
  "a persistent subscription delivers, takes acks, and parks": async () => {
    const [stream, group] = [unused(), "group"];
    await client.appendToStream(stream, events(2));
    const settings = persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START });
    try {
      await client.createPersistentSubscriptionToStream(stream, group, settings);
    } catch (error) {
      if (error.type === "unsupported" || error.code === 12) return "the store has none";
      throw error;
    }
    const subscription = client.subscribeToPersistentSubscriptionToStream(stream, group);
    const came = [];
    for await (const one of subscription) {
      came.push(one.event.revision);
      if (came.length === 1) await subscription.ack(one);
      if (came.length === 2) {
        await subscription.nack("park", "later", one);
        break;
      }
    }
    await subscription.unsubscribe();
    assert.deepEqual(came, [0n, 1n]);
    const info = await client.getPersistentSubscriptionToStreamInfo(stream, group);
    assert.deepEqual([info.eventSource, info.groupName], [stream, group]);
    await client.deletePersistentSubscriptionToStream(stream, group);
    return undefined;
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    const aside = await within(name, check());
    console.log(aside ? `aside: ${name}: ${aside}` : `ok: ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED: ${name}\n${error.stack}`);
  }
}
await client.dispose();
console.log(`${Object.keys(checks).length - failed} of ${Object.keys(checks).length} held`);
process.exitCode = failed === 0 ? 0 : 1;
