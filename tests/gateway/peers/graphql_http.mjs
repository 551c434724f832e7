// Runs the audits of npm's graphql-http against a URL and prints what came of them, as JSON.
// node graphql_http.mjs FOLDER_WITH_NODE_MODULES URL
import { createRequire } from 'node:module';

const [folder, url] = process.argv.slice(2);
const { serverAudits } = createRequire(`${folder}/`)('graphql-http');

const results = [];
for (const audit of serverAudits({ url })) {
  const { status, reason } = await audit.fn();
  results.push({ id: audit.id, name: audit.name, status, reason });
}
console.log(JSON.stringify(results));
