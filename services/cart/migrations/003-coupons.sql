-- A coupon's terms never change; its limits and dates may. Taking a use locks its row, so the limits hold one checkout after the other.
CREATE TABLE coupons (
  code text PRIMARY KEY CHECK (code = upper(code)),
  kind text NOT NULL CHECK (kind IN ('percent', 'amount')),
  percent integer CHECK (percent BETWEEN 1 AND 100),
  amount_minor bigint CHECK (amount_minor > 0),
  currency text CHECK (currency ~ '^[A-Z]{3}$'),
  most_uses integer CHECK (most_uses >= 0),
  most_uses_per_customer integer CHECK (most_uses_per_customer >= 0),
  uses integer NOT NULL DEFAULT 0 CHECK (uses >= 0 AND (most_uses IS NULL OR uses <= most_uses)),
  starts_at timestamptz,
  ends_at timestamptz,
  created_at timestamptz NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  CHECK ((kind = 'percent') = (percent IS NOT NULL)),
  CHECK ((kind = 'amount') = (amount_minor IS NOT NULL)),
  CHECK (kind = 'percent' OR currency IS NOT NULL)
) WITH (fillfactor = 70);

CREATE INDEX coupons_newest ON coupons (created_at, code);

-- One row per order that used a coupon. A use that was given back counts no more, and is never given back again.
CREATE TABLE coupon_uses (
  order_id uuid PRIMARY KEY,
  code text NOT NULL REFERENCES coupons,
  -- the customer's id, or for guests a digest of their e-mail address
  customer text NOT NULL,
  discount_minor bigint NOT NULL CHECK (discount_minor >= 0),
  used_at timestamptz NOT NULL,
  given_back_at timestamptz
);

CREATE INDEX coupon_uses_of_customer ON coupon_uses (code, customer) WHERE given_back_at IS NULL;

-- A copy of the coupon's terms, as the lines have copies of prices.
ALTER TABLE carts ADD COLUMN coupon json;

-- contract: the check is about columns that no older version writes
ALTER TABLE checkouts
  ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0 CHECK (discount_minor >= 0),
  ADD COLUMN coupon_code text,
  ADD CHECK (coupon_code IS NOT NULL OR discount_minor = 0);
