// The gateway in Express; `settings` stands before this.
const http = require("node:http");
const { randomUUID } = require("node:crypto");
const express = require("express");
const { createProxyMiddleware } = require("http-proxy-middleware");
const jwt = require("jsonwebtoken");
const { rateLimit } = require("express-rate-limit");

const app = express();
// Fields and checks of files that a gateway does not need.
app.disable("x-powered-by");
app.disable("etag");

const service = (number) => `http://127.0.0.1:${settings.services[number]}`;

// `xfwd` is x-forwarded-for, -port, -proto and -host. Without an agent each request opens a connection.
const proxy = createProxyMiddleware({
  target: service(0),
  agent: new http.Agent({ keepAlive: true, maxFreeSockets: 256 }),
  xfwd: true,
});

function requestId(request, response, next) {
  request.headers["x-request-id"] = randomUUID();
  next();
}

function authenticate(request, response, next) {
  const [scheme, token] = (request.headers.authorization ?? "").split(" ");
  if (scheme !== "Bearer" || !token) return response.sendStatus(401);
  try {
    const claims = jwt.verify(token, settings.secret, { algorithms: ["HS256"], issuer: settings.issuer });
    request.subject = claims.sub;
    request.headers["x-user"] = claims.sub;
  } catch {
    return response.sendStatus(401);
  }
  next();
}

async function aggregate(request, response) {
  const answers = await Promise.all(settings.parts.map(([, path], number) => fetch(service(number) + path)));
  if (answers.some((answer) => !answer.ok)) return response.sendStatus(502);
  const bodies = await Promise.all(answers.map((answer) => answer.json()));
  response.json(Object.fromEntries(settings.parts.map(([name], number) => [name, bodies[number]])));
}

if (settings.job === "aggregate") {
  app.use(aggregate);
} else {
  app.use(requestId);
  if (settings.job === "jwt-and-limit") {
    app.use(authenticate);
    app.use(rateLimit({ windowMs: 60_000, limit: settings.limit, keyGenerator: (request) => request.subject }));
  }
  app.use(proxy);
}

const server = app.listen(settings.port, "127.0.0.1", 16384);
// By default an idle client is cut off after 5 s.
server.keepAliveTimeout = 3_600_000;
