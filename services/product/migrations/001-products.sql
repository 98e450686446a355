CREATE TABLE products (
  id uuid PRIMARY KEY,
  handle text NOT NULL UNIQUE,
  title text NOT NULL,
  description text NOT NULL,
  vendor text,
  product_type text,
  tags text[] NOT NULL,
  status text NOT NULL CHECK (status IN ('draft', 'active', 'archived')),
  options json NOT NULL,
  images json NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  -- vendor, type, tags, SKUs and option values: what a shopper may also type
  keywords text NOT NULL,
  -- once by the letter, so that the beginning of a word finds it, and once by the stem, so that mugs find a mug
  search tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('english', title), 'A')
    || setweight(to_tsvector('simple', keywords), 'B') || setweight(to_tsvector('english', keywords), 'B')
    || setweight(to_tsvector('simple', description), 'D') || setweight(to_tsvector('english', description), 'D')
  ) STORED
);

CREATE INDEX products_search ON products USING gin (search);
CREATE INDEX products_by_status ON products (status, id);

CREATE TABLE variants (
  sku text PRIMARY KEY,
  product_id uuid NOT NULL REFERENCES products,
  title text NOT NULL,
  options json NOT NULL,
  price_minor bigint NOT NULL CHECK (price_minor >= 0),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  compare_at_minor bigint CHECK (compare_at_minor >= 0),
  barcode text,
  weight_grams integer CHECK (weight_grams >= 0),
  image_url text,
  position integer NOT NULL,
  UNIQUE (product_id, position)
);
