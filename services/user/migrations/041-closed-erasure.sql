-- Whoever closed an account is found by the address, and asks to be forgotten with a link of its own kind.
CREATE INDEX closed_accounts_email ON closed_accounts (email);

-- contract: the check is made wider; an older version never asks for links of a kind that it does not know
ALTER TABLE account_links DROP CONSTRAINT account_links_purpose_check;

-- contract: every row that an older version writes fits
ALTER TABLE account_links ADD CONSTRAINT account_links_purpose_check
  CHECK (purpose IN ('verify-email', 'reset-password', 'change-email', 'erase-person'));
