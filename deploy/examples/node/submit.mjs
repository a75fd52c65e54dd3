// node submit.mjs KEY TEMPLATE file|url|id NAME-OF-THE-AUDIENCE
import { createClient } from "@redis/client";
import { submitCampaign } from "./campaigns.mjs";

const [key, template, way, audience, ...more] = process.argv.slice(2);
if (!audience || more.length) {
  console.error("node submit.mjs KEY TEMPLATE file|url|id AUDIENCE");
  process.exit(2);
}
const broker = createClient({
  url: process.env.REDIS_URL ?? "redis://127.0.0.1:6379/0",
  // By itself it would wait for a broker that is away, for ever: whoever calls this is to hear of it.
  socket: { connectTimeout: 5_000, reconnectStrategy: false },
});
broker.on("error", () => {}); // it is thrown where it is awaited
await broker.connect();
const named = way === "id" ? Number(audience) : audience;
console.log(await submitCampaign(broker, { name: "Rappel", template, key, audience: { [way]: named } }));
await broker.close();
