-- A billing book from before revisions, as the program of that time made and filled it.
CREATE TABLE customers ( account_id VARCHAR NOT NULL, name VARCHAR NOT NULL, address VARCHAR NOT NULL, phone VARCHAR NOT NULL, email VARCHAR NOT NULL, customer_class VARCHAR NOT NULL, important BOOLEAN NOT NULL, meter_id VARCHAR NOT NULL, reading_centre VARCHAR NOT NULL, reader VARCHAR NOT NULL, team_leader VARCHAR NOT NULL, field_unit VARCHAR NOT NULL, business_station VARCHAR NOT NULL, region VARCHAR NOT NULL, export VARCHAR NOT NULL, PRIMARY KEY (account_id) );
CREATE TABLE outages ( reason VARCHAR NOT NULL, PRIMARY KEY (reason) );
CREATE TABLE bills ( bill_id VARCHAR NOT NULL, account_id VARCHAR NOT NULL, due_date DATE NOT NULL, amount BIGINT NOT NULL, period VARCHAR NOT NULL, announced_at DATETIME, PRIMARY KEY (bill_id), FOREIGN KEY(account_id) REFERENCES customers (account_id) );
CREATE INDEX ix_bills_account ON bills (account_id, due_date);
CREATE INDEX ix_bills_unannounced ON bills (account_id, due_date) WHERE announced_at IS NULL;
CREATE TABLE payments ( payment_id VARCHAR NOT NULL, account_id VARCHAR NOT NULL, amount BIGINT NOT NULL, paid_at DATETIME NOT NULL, bill_id VARCHAR, channel VARCHAR, reverses VARCHAR, announced_at DATETIME, PRIMARY KEY (payment_id), FOREIGN KEY(account_id) REFERENCES customers (account_id), FOREIGN KEY(bill_id) REFERENCES bills (bill_id), UNIQUE (reverses), FOREIGN KEY(reverses) REFERENCES payments (payment_id) );
CREATE INDEX ix_payments_account ON payments (account_id);
CREATE INDEX ix_payments_unannounced ON payments (account_id) WHERE announced_at IS NULL;
