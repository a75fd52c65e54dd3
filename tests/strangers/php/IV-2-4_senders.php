<?php
/*
 * IV-2-4: the document's program, as printed but for this.
 * - "< ?php" has lost its blank, and so have the URLs in $wsdl and $server.
 * - The base URL is taken from the environment.
 * - The reply is printed.
 */

$wsdl = getenv("BASE_URL") . "/api/soap/wsdl/";

$server = getenv("BASE_URL") . "/api/soap/server/";

$options = array("location" =>$server, "trace"=>true, 'style'=> SOAP_DOCUMENT, 'use'=> SOAP_LITERAL);

$api = new SoapClient($wsdl, $options);

$smsdatas = array("login"=>"particulier@smseco.com", "password"=>"123456");

echo json_encode($api->Getsenders($smsdatas));

?>
