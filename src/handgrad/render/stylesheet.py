"""The style sheets of HTML pages: one for a page of its own, one for worked lines wherever they stand.

A line's parts stand beside each other while the line has ``--w`` em for them: ``flex-basis`` is then
below zero, that is, the width of each formula. With less room it is beyond any line, and each part
gets one for itself, its sign under the one above. On a screen a wide formula or picture scrolls in its
own box; on paper, where nothing scrolls, it is set smaller, a formula by its own ``--m`` em.
"""

__all__ = ["PAGE", "SHARED"]

PAGE = """
:root{color-scheme:light dark;--value:#0a6a4b;--rule:#d9d6cf;background:#fdfcfa;color:#1d1d1b}
body{margin:0;padding:2.5rem 1.25rem 4rem;font:1.0625rem/1.55 Charter,"Bitstream Charter",
"Iowan Old Style","Source Serif 4","Palatino Linotype",Palatino,Georgia,serif}
main.handgrad{margin:0 auto}
@media(prefers-color-scheme:dark){
:root{--value:#86d3ad;--rule:#3a3c3f;background:#17181a;color:#e3e1dc}}
@media print{
:root{color-scheme:light;--value:#000;--rule:#999;background:#fff;color:#000}
body{padding:0;font-size:11pt}
.handgrad{max-width:none}
.handgrad nav{display:none}
.handgrad .line>div,.handgrad figure{overflow:visible}
.handgrad figure{break-inside:avoid}
.handgrad figure svg{max-width:100%;max-height:90vh}
.handgrad .line{font-size:min(1em,calc(1em*40/var(--m)))}}
"""

SHARED = """
.handgrad{max-width:54rem;overflow-wrap:break-word}
.handgrad h1{margin:0;font-size:1.9rem;font-weight:600;line-height:1.2}
.handgrad h2{margin:2.6rem 0 .6rem;padding-bottom:.25rem;font-size:1.3rem;font-weight:600;
line-height:1.3;border-bottom:1px solid var(--rule,currentColor)}
.handgrad h4{margin:1.8rem 0 .4rem}
.handgrad h2,.handgrad h3,.handgrad h4,.handgrad p{break-after:avoid}
.handgrad p{max-width:42rem;margin:1.1rem 0 .4rem}
.handgrad .source{margin:.5rem 0 0;opacity:.75}
.handgrad nav{margin:1.5rem 0 0}
.handgrad nav ol{columns:15rem;margin:0;padding-left:1.8em}
.handgrad nav a{color:inherit;text-decoration-thickness:1px;text-underline-offset:.2em}
.handgrad figure{margin:1.5rem 0;overflow:auto hidden;scrollbar-width:thin}
.handgrad figure svg{display:block;max-width:max(100%,44rem);height:auto;margin:0 auto}
.handgrad .line{display:grid;grid-template-columns:fit-content(45%) minmax(0,1fr);
align-items:first baseline;margin:.15rem 0 .15rem 1.25rem;break-inside:avoid}
.handgrad .line>div{overflow:auto hidden;padding:.15em 0;scrollbar-width:thin}
.handgrad .parts{display:flex;flex-wrap:wrap;align-items:baseline;row-gap:.5em;line-height:1.3}
.handgrad .parts>div{flex:0 1 calc((var(--w)*1em - 100%)*999)}
.handgrad .worked+.formula{margin-top:1.1rem}
.handgrad math{math-style:normal;font-size:1.05em;font-family:"STIX Two Math","Libertinus Math",
"Latin Modern Math","Cambria Math","Noto Sans Math",math}
.handgrad mtd{padding:.15em .35em}
.handgrad mtd:first-child{padding-left:.1em}
.handgrad mtd:last-child{padding-right:.1em}
.handgrad .worked .parts>:last-child mo:first-child+mrow{color:var(--value,inherit)}
@media(max-width:30rem){.handgrad .line{margin-left:0}}
"""
