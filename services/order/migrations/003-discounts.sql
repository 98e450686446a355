-- What a coupon took off: `total_minor` is what is charged, the lines less this.
-- contract: the check is about columns that no older version writes
ALTER TABLE order_view
  ADD COLUMN discount_minor bigint NOT NULL DEFAULT 0 CHECK (discount_minor >= 0),
  ADD COLUMN coupon_code text,
  ADD CHECK (coupon_code IS NOT NULL OR discount_minor = 0);
