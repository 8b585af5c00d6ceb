# Two stages: the first builds the demo page with the development dependencies, the second runs the server without them.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY shared/package.json shared/
COPY server/package.json server/
COPY client/package.json client/
COPY test/package.json test/
# optional dependencies included: the build tool's native parts are among them
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY shared shared
COPY client client
RUN npx vite build --config client/vite.config.ts

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4321 TIDEMARK_DATA=/data
WORKDIR /app
COPY package.json package-lock.json ./
COPY shared/package.json shared/
COPY server/package.json server/
RUN npm ci --omit=dev --omit=optional --ignore-scripts --workspace @tidemark/server --workspace @tidemark/shared
COPY shared shared
COPY server server
COPY --from=build /app/client/demo/dist client/demo/dist
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 4321
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD node -e "fetch('http://127.0.0.1:' + process.env.PORT + '/livez').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"
# the exec form: node gets SIGTERM itself and shuts down in order
CMD ["node", "server/src/cli.ts", "serve"]
