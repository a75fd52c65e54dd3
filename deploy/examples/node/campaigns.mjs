// Campaigns from Node, by the broker: Celery's message protocol 2, which is one JSON document pushed to a Redis list.
import { randomUUID } from "node:crypto";

const QUEUE = "campaigns";

/**
 * Have a campaign made. The spec names its audience (`file`, `url` or `id`): a number never travels by task.
 *
 * Resolves to the task's id once the broker has it: what became of it is found by the spec's key. Rejects where the
 * broker is away; with a key, the same submission is right to come again.
 */
export async function submitCampaign(broker, spec) {
  const id = randomUUID();
  const body = [[spec], {}, { callbacks: null, errbacks: null, chain: null, chord: null }];
  const message = {
    body: Buffer.from(JSON.stringify(body)).toString("base64"),
    "content-encoding": "utf-8",
    "content-type": "application/json",
    headers: {
      lang: "js", task: "campaigns.submit", id, root_id: id,
      parent_id: null, group: null, retries: 0, eta: null, expires: null,
    },
    properties: {
      correlation_id: id, delivery_tag: randomUUID(), delivery_mode: 2, priority: 0,
      body_encoding: "base64", delivery_info: { exchange: "", routing_key: QUEUE },
    },
  };
  await broker.lPush(QUEUE, JSON.stringify(message));
  return id;
}
