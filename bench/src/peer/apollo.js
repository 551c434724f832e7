// GraphQL over two services in Apollo Server; `settings` stands before this.
const { ApolloServer } = require("@apollo/server");
const { startStandaloneServer } = require("@apollo/server/standalone");

const typeDefs = `
  type Query { me: User }
  type User { id: ID! name: String! email: String orders: [Order!]! }
  type Order { id: ID! total: Int! }
`;

const [[, userPath], [, ordersPath]] = settings.parts;

// Node's `fetch` keeps its connections open by itself.
async function get(service, path) {
  const answer = await fetch(`http://127.0.0.1:${settings.services[service]}${path}`);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

const resolvers = {
  Query: { me: () => get(0, userPath) },
  User: { orders: (user) => get(1, ordersPath.replace("7", encodeURIComponent(user.id))) },
};

startStandaloneServer(new ApolloServer({ typeDefs, resolvers }), {
  listen: { host: "127.0.0.1", port: settings.port },
});
