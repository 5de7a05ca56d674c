// Registers a network, requests a peering and follows it until it is active, with nothing but
// Node's own fetch (Node 18 or later).
//
//     peerage serve                                  # in another terminal
//     node client.mjs http://127.0.0.1:2114

import { randomUUID } from "node:crypto";

/** What an engine answered instead of a result: a google.rpc.Status. */
class PeerageError extends Error {
  constructor(status) {
    super(status.message);
    this.code = status.code;
    this.details = status.details;
  }

  /** The reason that programs go by: it never changes. */
  get reason() {
    return this.details.find((it) => it["@type"].endsWith("google.rpc.ErrorInfo"))?.reason;
  }
}

class Peerage {
  constructor(server) {
    this.server = server;
  }

  /** Calls a method that answers once. */
  async call(method, request) {
    return (await this.#send(method, request)).json();
  }

  /** Calls a method that streams, and yields each message as it comes. */
  async *watch(method, request) {
    const answer = await this.#send(method, request);
    let rest = "";
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const message = JSON.parse(line);
        if (message.error) throw new PeerageError(message.error);
        yield message;
      }
    }
  }

  async #send(method, request) {
    const answer = await fetch(`${this.server}/peerage.v1.${method}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    if (!answer.ok) throw new PeerageError(await answer.json());
    return answer;
  }
}

/** Who asks, and an id: keep it, and send a command again under it when its answer was lost. */
const context = () => ({ commandId: randomUUID(), actor: "client.mjs", reason: "an example" });

const peerage = new Peerage(process.argv[2] ?? "http://127.0.0.1:2114");
const { networkId } = await peerage.call("NetworkService/RegisterNetwork", {
  context: context(),
  project: "payments",
  name: "orders",
  provider: "PROVIDER_AWS",
  region: "eu-west-1",
  account: "111122223333",
  cloudNetwork: "vpc-0a1b2c3d",
  range: "10.20.0.0/16",
});
const peer = {
  provider: "PROVIDER_AWS",
  account: "444455556666",
  region: "us-east-1",
  cloudNetwork: "vpc-0d4c3b2a",
  ranges: ["10.30.0.0/16"],
};
const { peeringId } = await peerage.call("PeeringService/RequestPeering", {
  context: context(),
  networkId,
  peering: { peer },
});
const watch = { peeringId, events: "WATCH_EVENTS_ALL" };
for await (const { event } of peerage.watch("PeeringService/WatchPeerings", watch)) {
  if (event) console.log(event.type);
  if (event?.type === "PeeringActivated") break;
}
try {
  await peerage.call("PeeringService/GetPeering", { peeringId: randomUUID() });
} catch (error) {
  console.log(`refused as it should be: ${error.reason}`);
}
