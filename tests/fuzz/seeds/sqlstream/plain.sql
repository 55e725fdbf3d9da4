--
-- PostgreSQL database dump
--

\restrict DpLOTdlujodX0ajc0vOXjrC97ds8cf1b7p9hekbIRzNx1PhdKBMRbpR05oltetR

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: shop; Type: DATABASE; Schema: -; Owner: postgres
--

CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C';


ALTER DATABASE shop OWNER TO postgres;

\unrestrict DpLOTdlujodX0ajc0vOXjrC97ds8cf1b7p9hekbIRzNx1PhdKBMRbpR05oltetR
\connect shop
\restrict DpLOTdlujodX0ajc0vOXjrC97ds8cf1b7p9hekbIRzNx1PhdKBMRbpR05oltetR

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: DATABASE shop; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON DATABASE shop IS 'c';


--
-- Name: shop; Type: DATABASE PROPERTIES; Schema: -; Owner: postgres
--

ALTER DATABASE shop SET work_mem TO '1MB';


\unrestrict DpLOTdlujodX0ajc0vOXjrC97ds8cf1b7p9hekbIRzNx1PhdKBMRbpR05oltetR
\connect shop
\restrict DpLOTdlujodX0ajc0vOXjrC97ds8cf1b7p9hekbIRzNx1PhdKBMRbpR05oltetR

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: s; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA s;


ALTER SCHEMA s OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: t; Type: TABLE; Schema: public; Owner: joe
--

CREATE TABLE public.t (
    a integer,
    b text
);


ALTER TABLE public.t OWNER TO joe;

--
-- Name: u; Type: TABLE; Schema: s; Owner: postgres
--

CREATE TABLE s.u (
    x text
);


ALTER TABLE s.u OWNER TO postgres;

--
-- Name: 16398; 