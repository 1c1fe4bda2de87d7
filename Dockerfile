FROM node:24-slim AS build
WORKDIR /keyturn
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts ./scripts
COPY prisma ./prisma
COPY src ./src
RUN npm run build && npm prune --omit=dev --omit=optional --omit=peer --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/var/lib/keyturn/data KEYS_DIR=/var/lib/keyturn/keys
WORKDIR /keyturn
COPY --from=build /keyturn/package.json ./
COPY --from=build /keyturn/node_modules ./node_modules
COPY --from=build /keyturn/prisma ./prisma
COPY --from=build /keyturn/dist ./dist
RUN install -d -o node -g node -m 700 /var/lib/keyturn /var/lib/keyturn/data /var/lib/keyturn/keys \
  && ln -s /keyturn/dist/cli/main.js /usr/local/bin/keyturn && chmod +x dist/cli/main.js
USER node
VOLUME /var/lib/keyturn
EXPOSE 3000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT ?? 3000) + '/health/live').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["keyturn", "serve"]
