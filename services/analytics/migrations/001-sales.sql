-- Facts as they were heard, one row per order: the aggregates are sums over them, so repeats and any order of messages change nothing.
CREATE TABLE sales (
  order_id uuid PRIMARY KEY,
  day date NOT NULL,
  confirmed_at timestamptz NOT NULL,
  currency text NOT NULL,
  total_minor bigint NOT NULL
);

CREATE INDEX sales_day ON sales (day, currency);

CREATE TABLE sale_lines (
  order_id uuid NOT NULL,
  line_id uuid NOT NULL,
  day date NOT NULL,
  sku text NOT NULL,
  title text NOT NULL,
  quantity integer NOT NULL,
  currency text NOT NULL,
  minor bigint NOT NULL,
  PRIMARY KEY (order_id, line_id)
);

CREATE INDEX sale_lines_day ON sale_lines (day);

CREATE TABLE refunds (
  order_id uuid PRIMARY KEY,
  day date NOT NULL,
  refunded_at timestamptz NOT NULL,
  currency text NOT NULL,
  minor bigint NOT NULL
);

CREATE INDEX refunds_day ON refunds (day, currency);
