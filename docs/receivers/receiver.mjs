// A receiver of Peerage's webhooks: it verifies, keeps order in sight, and takes each event once.
//
//     WEBHOOK_KEYS="whsec_..." PORT=8080 node receiver.mjs
//
// Several keys, separated by spaces, are good at the same time: that is how a key is changed. A key that begins with whpk_ is a public one
// (v1a). Node itself is all that it needs.

import { createHmac, createPublicKey, timingSafeEqual, verify as verifySignature } from "node:crypto";
import { createServer } from "node:http";

// How far the clocks of sender and receiver may be apart, in seconds. An older message could be a recorded one.
const TOLERANCE = 300;
// The largest body that is read.
const LARGEST = 1024 * 1024;

class Refused extends Error {}

// Holds the signatures against every key. `body` is what came over the wire, byte by byte: never parse it before.
function verify(keys, headers, body) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  const isNow = /^\d+$/.test(timestamp) && Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE;
  if (!id || !isNow) throw new Refused("no id, or too old or too new");
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  for (const signature of (headers["webhook-signature"] ?? "").split(" ")) {
    const [version, encoded = ""] = signature.split(",");
    const given = Buffer.from(encoded, "base64");
    if (keys.some((key) => matches(key, version, given, content))) return id;
  }
  throw new Refused("no signature of a key that is known");
}

function matches(key, version, given, content) {
  const [kind, encoded] = key.split("_");
  const raw = Buffer.from(encoded, "base64");
  if (version === "v1" && kind === "whsec") {
    const wanted = createHmac("sha256", raw).update(content).digest();
    return wanted.length === given.length && timingSafeEqual(wanted, given);
  }
  if (version === "v1a" && kind === "whpk") {
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" });
    return verifySignature(null, content, key, given);
  }
  return false;
}

// What was taken. Keep it where your effects are, in the same transaction: then each event has its effect exactly once.
const taken = new Set();
const last = new Map();

function take(id, headers, body) {
  const events = Array.isArray(body) ? body : [body];
  const lane = headers["peerage-lane"] ?? "";
  const sequence = Number(headers["peerage-lane-sequence"] ?? 0);
  const fresh = events.filter((event) => {
    const eventId = event?.id ?? id;
    return !taken.has(eventId) && taken.add(eventId);
  });
  let said = fresh.length > 0 ? "accepted" : "repeat";
  // A replay repeats what was there before, outside of the order. Of a batch the number is its last record's.
  if (headers["peerage-replay"] !== "true" && fresh.length > 0) {
    const first = sequence - events.length + 1;
    const expected = (last.get(lane) ?? first - 1) + 1;
    if (first > expected) said = `accepted after a gap: expected ${expected}`;
    last.set(lane, Math.max(sequence, last.get(lane) ?? 0));
  }
  for (const event of fresh) console.log(JSON.stringify({ lane, sequence, event })); // your effect goes here
  return said;
}

async function read(request) {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > LARGEST) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function receive(keys, request) {
  const body = await read(request);
  if (body === undefined) return [413, "too large"]; // this record is parked
  let id;
  try {
    id = verify(keys, request.headers, body);
  } catch (error) {
    if (error instanceof Refused) return [401, error.message]; // the connector pauses: no record is to blame
    throw error;
  }
  let event;
  try {
    event = JSON.parse(body.toString());
  } catch {
    return [400, "not JSON"]; // this record is parked
  }
  return [200, take(id, request.headers, event)];
}

const keys = process.env.WEBHOOK_KEYS.split(" ");
const server = createServer((request, response) => {
  receive(keys, request).then(
    ([status, text]) => response.writeHead(status).end(text),
    () => response.writeHead(500).end(), // it is tried again
  );
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
