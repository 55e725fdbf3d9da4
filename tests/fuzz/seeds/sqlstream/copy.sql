COPY t FROM stdin;
1	\\.
\.
SET standard_conforming_strings = off;
\connect a
SELECT $x$;$x$, E'\';'
--
'x';
