SELECT 'a;b', "c;d", $x$e;$x$, E'f\';g'; -- h;
/* i; /* j */ */ k;
\restrict l
m