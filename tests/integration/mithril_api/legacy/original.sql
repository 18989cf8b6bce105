-- The schema of the original after its last published migration. Where the server has no
-- citext, a domain stands in for its name.
DO $$ BEGIN
  CREATE EXTENSION citext;
EXCEPTION WHEN OTHERS THEN
  CREATE DOMAIN citext AS text;
END $$;

CREATE TABLE schema_migrations (version bigint PRIMARY KEY, inserted_at timestamp);
CREATE TABLE users (
  id uuid PRIMARY KEY, email citext, password varchar(255), settings jsonb,
  priv_settings jsonb, is_blocked boolean NOT NULL DEFAULT false, block_reason varchar(255),
  password_set_at timestamp NOT NULL DEFAULT now(), tax_id varchar(255) NOT NULL DEFAULT '',
  person_id varchar(255) NOT NULL DEFAULT '',
  inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE UNIQUE INDEX users_email_index ON users (email);
CREATE TABLE tokens (
  id uuid PRIMARY KEY, name varchar(255), value varchar(255), expires_at integer,
  details jsonb, user_id uuid REFERENCES users ON DELETE CASCADE,
  inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE UNIQUE INDEX tokens_value_name_index ON tokens (value, name);
CREATE INDEX tokens_expires_at_name_index ON tokens (expires_at, name);
CREATE TABLE client_types (
  id uuid PRIMARY KEY, name varchar(255), scope varchar(2048),
  inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE UNIQUE INDEX client_types_name_index ON client_types (name);
CREATE TABLE clients (
  id uuid PRIMARY KEY, name varchar(255), secret varchar(255), redirect_uri varchar(255),
  settings jsonb, priv_settings jsonb, user_id uuid REFERENCES users ON DELETE CASCADE,
  client_type_id uuid NOT NULL REFERENCES client_types,
  is_blocked boolean NOT NULL DEFAULT false, block_reason varchar(255),
  inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE connections (
  id uuid PRIMARY KEY, secret varchar(255) NOT NULL, redirect_uri varchar(255) NOT NULL,
  client_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  consumer_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE,
  inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE UNIQUE INDEX connections_secret_index ON connections (secret);
CREATE UNIQUE INDEX connections_pair_index ON connections (client_id, consumer_id);
CREATE TABLE apps (
  id uuid PRIMARY KEY, scope varchar(2048), user_id uuid REFERENCES users ON DELETE CASCADE,
  client_id uuid REFERENCES clients ON DELETE CASCADE,
  inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE UNIQUE INDEX apps_pair_index ON apps (user_id, client_id);
CREATE TABLE roles (
  id uuid PRIMARY KEY, name varchar(255), scope varchar(2048),
  inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE UNIQUE INDEX roles_name_index ON roles (name);
CREATE TABLE user_roles (
  id uuid PRIMARY KEY, user_id uuid REFERENCES users ON DELETE CASCADE,
  role_id uuid REFERENCES roles ON DELETE CASCADE,
  client_id uuid REFERENCES clients ON DELETE CASCADE,
  inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE UNIQUE INDEX user_roles_index ON user_roles (user_id, role_id, client_id);
CREATE TABLE global_user_roles (
  id uuid PRIMARY KEY, user_id uuid REFERENCES users ON DELETE CASCADE,
  role_id uuid REFERENCES roles ON DELETE CASCADE,
  inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE UNIQUE INDEX global_user_roles_index ON global_user_roles (user_id, role_id);
CREATE TABLE authentication_factors (
  id uuid PRIMARY KEY, type varchar(255) NOT NULL, factor varchar(255),
  is_active boolean DEFAULT true, user_id uuid REFERENCES users ON DELETE CASCADE,
  inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE UNIQUE INDEX authentication_factors_index ON authentication_factors (user_id, type);
CREATE TABLE otp (
  id uuid PRIMARY KEY, key citext NOT NULL, code integer NOT NULL,
  code_expired_at timestamp NOT NULL, status varchar(255) NOT NULL,
  active boolean DEFAULT true, attempts_count integer DEFAULT 0, inserted_at timestamp);
CREATE TABLE password_hstr (
  id bigserial PRIMARY KEY, user_id uuid NOT NULL, password varchar(255) NOT NULL,
  inserted_at timestamp NOT NULL DEFAULT now());
CREATE TABLE clients_block_reason_hstr (
  id bigserial PRIMARY KEY, legal_entity_id uuid NOT NULL, is_blocked boolean NOT NULL,
  block_reason varchar(255), inserted_at timestamp NOT NULL DEFAULT now());

CREATE FUNCTION remember_password() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.password IS NOT NULL THEN
    INSERT INTO password_hstr (user_id, password) VALUES (NEW.id, NEW.password);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER on_user_insert AFTER INSERT ON users
  FOR EACH ROW EXECUTE PROCEDURE remember_password();
CREATE TRIGGER on_user_update AFTER UPDATE ON users
  FOR EACH ROW WHEN (OLD.password IS DISTINCT FROM NEW.password)
  EXECUTE PROCEDURE remember_password();
