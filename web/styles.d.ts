/** Style sheets that a part of the page brings along: vite bundles them. */
declare module "*.css";
