-- Who asks how many batches wait, and may see nothing else: no number, no text. Change the password, and run it once:
--     psql "$DATABASE_URL" --file role.sql
CREATE ROLE campaigns_scaler LOGIN PASSWORD 'change-me' CONNECTION LIMIT 5;
ALTER ROLE campaigns_scaler SET default_transaction_read_only = on;
ALTER ROLE campaigns_scaler SET statement_timeout = '5s';
GRANT USAGE ON SCHEMA public TO campaigns_scaler;
GRANT SELECT (id, account, state, completed_at, paused_at, rate, windowed, shut_until) ON campaigns TO campaigns_scaler;
GRANT SELECT (campaign_id, state) ON batches TO campaigns_scaler;
GRANT SELECT (name, away_until, doubtful) ON accounts TO campaigns_scaler;
