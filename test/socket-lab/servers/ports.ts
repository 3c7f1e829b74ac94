/** Of the servers, which are alone on their computer. */
export const ports = {
  postgresql: 5432,
  redis: 6379,
  mariadb: 3306,
  rabbitmq: 5672,
  mosquitto: 1883,
  nats: 4222,
  net: 7001,
  tls: 7002,
  /** Its `/` is also the WebSocket server. */
  http: 7003,
  https: 7004,
  http2: 7005,
  /** Accepts connections and never reads from them. */
  unread: 7006,
} as const;
