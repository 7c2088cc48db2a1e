// Runs the documents given (JSON array of {query, variables}) with graphql-ws; prints what came.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, token, documents] = process.argv.slice(2);
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  retryAttempts: 0,
  connectionParams: token ? { Authorization: token } : undefined,
});

async function all(payload) {
  const seen = [];
  try {
    for await (const result of client.iterate(payload)) seen.push(result);
  } catch (error) {
    seen.push({ failed: Array.isArray(error) ? error : { code: error.code, reason: error.reason } });
  }
  return seen;
}

console.log(JSON.stringify(await Promise.all(JSON.parse(documents).map(all))));
await client.dispose();
