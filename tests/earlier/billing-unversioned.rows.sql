-- A billing book from before revisions, as the program of that time made and filled it.
INSERT INTO customers (account_id, name, address, phone, email, customer_class, important, meter_id, reading_centre, reader, team_leader, field_unit, business_station, region, export) VALUES ('3001', '张三', '人民路1号', '', '', 'residential', false, 'm-9', 'RC-03', 'r-017', 't-003', 'FU-1', 'BS-1', '城北', 'e-1');
INSERT INTO bills (bill_id, account_id, due_date, amount, period, announced_at) VALUES ('b-1', '3001', '2026-09-25', 12850, '2026-08', NULL);
INSERT INTO payments (payment_id, account_id, amount, paid_at, bill_id, channel, reverses, announced_at) VALUES ('p-1', '3001', 2850, '2026-10-26 01:00:00.000000', 'b-1', 'counter', NULL, NULL);
